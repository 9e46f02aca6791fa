"""Image backbones: crops in, one feature map out."""
