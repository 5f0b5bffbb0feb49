"""SDF, the self-defining format of STXM beamlines: a text header (.hdr) and one text image (.xim) a frame.

`grammar` parses the header, `header` says what it means, `images` reads the pictures, `exposure` finds when each was
taken, `read` and `write` do the two ways.
"""
