from django.urls import path

from catalog.api import search_urls, views
from catalog.api.contracts_views import ContractView

urlpatterns = [
    path("domains", views.DomainsView.as_view()),
    path("products", views.ProductsView.as_view()),
    path("products/<uuid:product_id>", views.ProductView.as_view()),
    path("products/<uuid:product_id>/contract", ContractView.as_view()),
    path("products/<uuid:product_id>/move", views.MoveProductView.as_view()),
    path("versions", views.VersionsView.as_view()),
    path("versions/<uuid:version_id>/tombstone", views.TombstoneView.as_view()),
    path("versions/<uuid:version_id>/files", views.FilesView.as_view()),
    path("versions/<uuid:version_id>/seal", views.SealView.as_view()),
    path("versions/<uuid:version_id>/manifest/<str:digest>", views.ManifestShardView.as_view()),
    *search_urls.urlpatterns,
]
