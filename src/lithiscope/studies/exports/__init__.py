"""What a study hands to other programs and to a paper: pictures, raw files, tables, movies and text."""
