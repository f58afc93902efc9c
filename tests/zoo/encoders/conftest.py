"""The model of the hub that these tests share."""

REPO = "org/tiny"
