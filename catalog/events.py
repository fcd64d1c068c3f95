"""Tells governance how to find what the catalog names."""

from catalog import inventory as products
from catalog import selectors
from governance import inventory, resources

resources.register("product", selectors.load_product, selectors.visible_names)
resources.register("domain", selectors.load_domain, selectors.visible_names)
resources.register_pager("product", selectors.product_names)
resources.register_pager("domain", selectors.domain_names)
resources.register_ports(selectors.output_ports)
inventory.register(products.products_below, products.described_below, products.domains_below)
