"""Tells governance how to find what the catalog names."""

from catalog import selectors
from governance import resources

resources.register("product", selectors.load_product, selectors.visible_names)
resources.register("domain", selectors.load_domain, selectors.visible_names)
