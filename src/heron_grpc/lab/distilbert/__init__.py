"""Makes the DistilBERT model: encoder in, fine-tuned and quantised ONNX out. Needs `make train-env`, unlike serving."""
