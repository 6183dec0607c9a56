"""Files: data sets, images, models and checkpoints."""
