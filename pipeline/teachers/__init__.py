"""Pretrained pose networks behind one protocol: MMPose's (in `mm`) and ONNX files."""
