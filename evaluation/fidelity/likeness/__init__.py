"""How like people simulated users talk: what is measured of a talk, and how far two sets of talks are apart."""
