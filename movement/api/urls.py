from django.urls import path

from movement.api import erasure_urls, resolve, rows, versions, views

urlpatterns = [
    path("sites", views.SitesView.as_view()),
    path("sites/<slug:name>", views.SiteView.as_view()),
    path("stores", views.StoresView.as_view()),
    path("versions/<uuid:version_id>", versions.DraftView.as_view()),
    path("versions/<uuid:version_id>/files/<path:path>", versions.UploadView.as_view()),
    path("versions/<uuid:version_id>/register", versions.RegisterView.as_view()),
    path("versions/<uuid:version_id>/publish", versions.PublishView.as_view()),
    path("versions/<uuid:version_id>/preview", versions.PreviewView.as_view()),
    path("versions/<uuid:version_id>/content/<path:path>", versions.ContentView.as_view()),
    path("versions/<uuid:version_id>/rows/<path:path>", rows.RowsView.as_view()),
    path("rows", rows.NamedRowsView.as_view()),
    path("replicas", views.ReplicasView.as_view()),
    path("transfers", views.TransfersView.as_view()),
    path("transfers/<uuid:transfer_id>", views.TransferView.as_view()),
    path("transfers/<uuid:transfer_id>/cancel", views.CancelView.as_view()),
    path("transfers/<uuid:transfer_id>/retry", views.RetryView.as_view()),
    path("plans", views.PlansView.as_view()),
    path("resolve", resolve.ResolveView.as_view()),
    *erasure_urls.urlpatterns,
]
