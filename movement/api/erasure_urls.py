from django.urls import path

from movement.api import erasure_views as views

urlpatterns = [
    path("erasures", views.ErasuresView.as_view()),
    path("erasures/<uuid:order_id>", views.ErasureView.as_view()),
    path("erasures/<uuid:order_id>/agree", views.AgreeView.as_view()),
    path("erasures/<uuid:order_id>/approve", views.ApproveErasureView.as_view()),
    path("erasures/<uuid:order_id>/cancel", views.CancelErasureView.as_view()),
    path("erasures/<uuid:order_id>/receipt", views.ReceiptView.as_view()),
]
