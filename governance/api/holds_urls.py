from django.urls import path

from governance.api import holds_views as views

urlpatterns = [
    path("holds", views.HoldsView.as_view()),
    path("holds/<uuid:hold_id>/lift", views.LiftHoldView.as_view()),
]
