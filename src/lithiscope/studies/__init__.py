"""A study from recipe to page: recipe, runner that recomputes only what changed, store, provenance and a quick look."""
