"""Whether more labels would help, and which texts to label first."""
