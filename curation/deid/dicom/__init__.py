"""DICOM, from the bytes of a file to the bytes of a clean one.

objects    which SOP classes are taken, and transfer syntaxes
opened     a file, cut into elements (``elements``, ``chunks``); what is not plain is read by ``odd``
profile    PS3.15's table under the options in force: a rule for each attribute
known      whom and what a file names
decide     rule and value for each element (``values``, ``content``); ``explain`` shows them, ``policy`` prints them all
rewrite    the clean file; ``clean_pixels`` and ``codestream`` for what follows the header
"""
