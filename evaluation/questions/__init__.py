"""Which sentences ask, and how: typed question detection in Chinese and English."""
