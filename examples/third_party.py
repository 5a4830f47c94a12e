"""A class of another library: made for one network, asked with attribute(inputs, target=…).

Options of its constructor and of attribute are given by name: --option n_steps=20 --option multiply_by_inputs=false.
Captum's methods are there without a file, too: peephole check captum:IntegratedGradients. A file is needed for
libraries that the benchmark knows nothing of, and to change something.
"""

from captum.attr import IntegratedGradients as explain  # noqa: F401
