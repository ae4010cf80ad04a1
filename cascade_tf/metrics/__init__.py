"""How near one set of images is to another: distances, precision, recall, Inception Score."""
