"""The paper's figures 2 to 7: what the search finds and what networks make of it, over the points of a grid."""
