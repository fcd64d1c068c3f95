from django.urls import path

from governance.api import access_views as views
from governance.api import campaigns_views as campaigns
from governance.api import subscriptions_views as subscriptions

urlpatterns = [
    path("access-requests", views.RequestsView.as_view()),
    path("access-requests/<uuid:request_id>", views.RequestView.as_view()),
    path("access-requests/<uuid:request_id>/comments", views.CommentsView.as_view()),
    path("access-requests/<uuid:request_id>/approve", views.ApproveView.as_view()),
    path("access-requests/<uuid:request_id>/deny", views.DenyView.as_view()),
    path("access-requests/<uuid:request_id>/withdraw", views.WithdrawView.as_view()),
    path("grants", views.GrantsView.as_view()),
    path("grants/break-glass", views.BreakGlassView.as_view()),
    path("grants/<uuid:grant_id>/revoke", views.RevokeGrantView.as_view()),
    path("grants/<uuid:grant_id>/renew", views.RenewGrantView.as_view()),
    path("grants/<uuid:grant_id>/review", views.ReviewGrantView.as_view()),
    path("port-subscriptions", subscriptions.PortSubscriptionsView.as_view()),
    path(
        "port-subscriptions/<uuid:port_subscription_id>",
        subscriptions.PortSubscriptionView.as_view(),
    ),
    path(
        "port-subscriptions/<uuid:port_subscription_id>/requests",
        subscriptions.PortSubscriptionRequestsView.as_view(),
    ),
    path("campaigns", campaigns.CampaignsView.as_view()),
    path("campaigns/<uuid:campaign_id>", campaigns.CampaignView.as_view()),
    path("campaigns/<uuid:campaign_id>/items", campaigns.CampaignItemsView.as_view()),
    path("campaigns/<uuid:campaign_id>/items/<uuid:item_id>", campaigns.CampaignItemView.as_view()),
    path("campaigns/<uuid:campaign_id>/close", campaigns.CloseCampaignView.as_view()),
]
