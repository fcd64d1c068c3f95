from django.urls import path

from governance.api import principals_views, tokens_views

urlpatterns = [
    path("me", tokens_views.MeView.as_view()),
    path("session", tokens_views.SessionView.as_view()),
    path("users", principals_views.UsersView.as_view()),
    path("users/<str:username>", principals_views.UserView.as_view()),
    path("teams", principals_views.TeamsView.as_view()),
    path("teams/<slug:slug>/members", principals_views.MembersView.as_view()),
    path("teams/<slug:slug>/members/<str:username>", principals_views.MemberView.as_view()),
    path("groups", principals_views.GroupsView.as_view()),
    path("groups/<slug:name>/members/<str:username>", principals_views.GroupMemberView.as_view()),
    path("tokens", tokens_views.TokensView.as_view()),
    path("tokens/<uuid:token_id>", tokens_views.TokenView.as_view()),
    path("clients", tokens_views.ClientsView.as_view()),
    path("clients/<str:client_id>", tokens_views.ClientView.as_view()),
]
