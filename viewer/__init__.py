"""What people look at in a browser: static pages and the small servers behind them."""
