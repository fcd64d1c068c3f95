from django.urls import path

from catalog.api import search_views

urlpatterns = [
    path("search", search_views.SearchView.as_view()),
    path("search/suggest", search_views.SuggestView.as_view()),
]
