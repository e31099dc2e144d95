"""detbench: does deblurring help the detector, by how much, at what cost, and is the difference real?"""

__version__ = "0.1.0"
