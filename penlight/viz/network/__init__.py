"""Pictures of whole nets: their layers, kernels, feature maps, receptive fields, gradients over time, and sound."""
