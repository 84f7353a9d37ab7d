"""Models as they serve: frozen arrays in signed artefacts, predicting whole batches."""
