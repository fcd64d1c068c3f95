"""Domains, products, versions and their manifests; the words of DESIGN.md section 2."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from core.ids import new_ark_id, new_id
from governance.engine.entities import Access, Visibility
from governance.models import Team

VISIBILITIES = [(str(v), str(v)) for v in Visibility]
ACCESSES = [(str(a), str(a)) for a in Access]


class Domain(models.Model):
    """A team's place in the name tree."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=500, unique=True)
    parent = models.ForeignKey("self", models.PROTECT, null=True, related_name="children")
    team = models.ForeignKey(Team, models.PROTECT, related_name="domains")
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class Lifecycle(models.TextChoices):
    """Source: ODPS v1 product status."""

    PROPOSED = "proposed"
    DRAFT = "draft"
    ACTIVE = "active"
    DEPRECATED = "deprecated"
    RETIRED = "retired"


LIFECYCLE_MOVES: dict[str, frozenset[str]] = {
    Lifecycle.PROPOSED: frozenset({Lifecycle.DRAFT, Lifecycle.RETIRED}),
    Lifecycle.DRAFT: frozenset({Lifecycle.ACTIVE, Lifecycle.RETIRED}),
    Lifecycle.ACTIVE: frozenset({Lifecycle.DEPRECATED, Lifecycle.RETIRED}),
    Lifecycle.DEPRECATED: frozenset({Lifecycle.ACTIVE, Lifecycle.RETIRED}),
    Lifecycle.RETIRED: frozenset(),
}


class Product(models.Model):
    """A data product: the unit of ownership, contract and access.

    Its identity is `id` and `ark`; the name is where it lives now, and old names are aliases.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    domain = models.ForeignKey(Domain, models.PROTECT, related_name="products")
    name = models.CharField(max_length=500, unique=True)
    ark = models.CharField(max_length=32, unique=True, default=new_ark_id)
    title = models.CharField(max_length=300)
    description = models.TextField(blank=True)
    keywords = models.JSONField(default=list)
    license = models.CharField(max_length=100, blank=True)
    """An SPDX expression, or empty while it is not known."""
    intended_use = models.TextField(blank=True)
    visibility = models.CharField(max_length=16, choices=VISIBILITIES, default=Visibility.MESH)
    access = models.CharField(max_length=16, choices=ACCESSES, default=Access.REQUEST)
    lifecycle = models.CharField(max_length=16, choices=Lifecycle.choices, default=Lifecycle.DRAFT)
    last_number = models.PositiveIntegerField(default=0)
    """The last version number given out. Numbers are never used twice."""
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(lifecycle__in=Lifecycle.values), name="lifecycle_is_known"
            ),
            models.CheckConstraint(
                condition=Q(visibility__in=[str(v) for v in Visibility]),
                name="visibility_is_known",
            ),
            models.CheckConstraint(
                condition=Q(access__in=[str(a) for a in Access]), name="access_is_known"
            ),
        ]
        indexes = [models.Index(fields=["visibility", "id"])]

    def __str__(self) -> str:
        return self.name


class ProductAlias(models.Model):
    """A name that a product had before it moved; it answers for ever."""

    name = models.CharField(max_length=500, unique=True)
    product = models.ForeignKey(Product, models.CASCADE, related_name="aliases")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class Contract(models.Model):
    """One revision of a product's contract, an ODCS document."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    product = models.ForeignKey(Product, models.CASCADE, related_name="contracts")
    revision = models.PositiveIntegerField()
    document = models.JSONField()
    digest = models.CharField(max_length=71)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["product", "revision"], name="one_contract_revision")
        ]

    def __str__(self) -> str:
        return f"{self.product} contract {self.revision}"


class PortDirection(models.TextChoices):
    INPUT = "input"
    OUTPUT = "output"
    MANAGEMENT = "management"


class Port(models.Model):
    """Where data goes in or out of a product. Source: ODPS v1."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    product = models.ForeignKey(Product, models.CASCADE, related_name="ports")
    direction = models.CharField(max_length=16, choices=PortDirection.choices)
    name = models.SlugField(max_length=64)
    protocol = models.CharField(max_length=32, blank=True)
    format = models.CharField(max_length=64, blank=True)
    description = models.TextField(blank=True)
    contract = models.ForeignKey(Contract, models.SET_NULL, null=True, related_name="ports")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["product", "name"], name="one_port_name"),
            models.CheckConstraint(
                condition=Q(direction__in=PortDirection.values), name="port_direction_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product}:{self.name}"


class VersionState(models.TextChoices):
    DRAFT = "draft"
    PUBLISHED = "published"
    TOMBSTONED = "tombstoned"


class Version(models.Model):
    """An immutable, signed state of a product. As a draft it gathers files; then it is sealed."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    product = models.ForeignKey(Product, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    state = models.CharField(
        max_length=16, choices=VersionState.choices, default=VersionState.DRAFT
    )
    semver = models.CharField(max_length=32, blank=True)
    contract = models.ForeignKey(Contract, models.PROTECT, null=True, related_name="versions")
    schema = models.JSONField(default=list)
    """Columns as [{"name", "type", "nullable"}], empty when the files are not tabular."""
    schema_digest = models.CharField(max_length=71, blank=True)
    root = models.CharField(max_length=71, blank=True)
    """The manifest's Merkle root."""
    files = models.PositiveBigIntegerField(default=0)
    bytes = models.PositiveBigIntegerField(default=0)
    rows = models.PositiveBigIntegerField(null=True)
    envelope = models.JSONField(null=True)
    """The seal: a DSSE envelope over the header."""
    digest = models.CharField(max_length=71, blank=True)
    """The digest of the sealed header; the identity by which other versions cite this one."""
    labels = models.JSONField(default=list)
    inputs = models.JSONField(default=list)
    created_by = models.CharField(max_length=150)
    created_at = models.DateTimeField(auto_now_add=True)
    published_at = models.DateTimeField(null=True)
    tombstoned_at = models.DateTimeField(null=True)
    tombstone_reason = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["product", "number"], name="one_version_number"),
            models.CheckConstraint(
                condition=Q(state__in=VersionState.values), name="version_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(state="draft") | Q(published_at__isnull=False, envelope__isnull=False),
                name="published_is_sealed",
            ),
        ]
        indexes = [models.Index(F("product"), F("number").desc(), name="versions_newest_first")]

    @property
    def name(self) -> str:
        return f"{self.product.name}/v={self.number}"

    def __str__(self) -> str:
        return self.name


class VersionAlias(models.Model):
    """A movable pointer: `latest`, `stable`."""

    product = models.ForeignKey(Product, models.CASCADE, related_name="version_aliases")
    alias = models.SlugField(max_length=32)
    version = models.ForeignKey(Version, models.CASCADE, related_name="aliases")
    moved_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["product", "alias"], name="one_version_alias")
        ]

    def __str__(self) -> str:
        return f"{self.product}@{self.alias}"


class ManifestShard(models.Model):
    """One content-addressed piece of a manifest, at most 4,096 files."""

    version = models.ForeignKey(Version, models.CASCADE, related_name="shards")
    index = models.PositiveIntegerField()
    digest = models.CharField(max_length=71)
    files = models.PositiveIntegerField()
    first_path = models.TextField()
    data = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "index"], name="one_shard_per_index")
        ]

    def __str__(self) -> str:
        return f"{self.version_id} shard {self.index}"


class DraftFile(models.Model):
    """A file that a draft has gathered; it moves into the manifest when the draft is sealed."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    version = models.ForeignKey(Version, models.CASCADE, related_name="draft_files")
    path = models.TextField()
    bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    media_type = models.CharField(max_length=150)
    rows = models.PositiveBigIntegerField(null=True)
    chunks = models.JSONField(default=list)
    """[[sha256, crc32c], …] of the 16 MiB pieces."""
    schema = models.JSONField(default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version", "path"], name="one_draft_path")]

    def __str__(self) -> str:
        return self.path


class Term(models.Model):
    """A word of the search index and in how many products it stands."""

    term = models.CharField(max_length=64, primary_key=True)
    df = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return self.term


class Posting(models.Model):
    """How much a word says about a product: its BM25F weight in thousandths, without the rarity."""

    term = models.ForeignKey(Term, models.CASCADE, related_name="postings")
    product = models.ForeignKey(Product, models.CASCADE, related_name="postings")
    weight = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["term", "product"], name="one_posting")]

    def __str__(self) -> str:
        return f"{self.term_id} in {self.product_id}"
