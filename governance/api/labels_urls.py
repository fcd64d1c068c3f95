from django.urls import path

from governance.api import labels_views as views

urlpatterns = [
    path("labels", views.LabelsView.as_view()),
    path("labels/<uuid:label_id>", views.LabelView.as_view()),
    path("labels/declassifications", views.DeclassificationsView.as_view()),
    path(
        "labels/declassifications/<uuid:declassification_id>/revoke",
        views.RevokeDeclassificationView.as_view(),
    ),
]
