"""Every address of the platform. The order matters: the portal takes what is left."""

urlpatterns = []
