"""The commands of `encoder-zoo` that train, compare and publish, with what they show."""
