"""The addresses of transforms, below /api/v1/."""

from django.urls import include, path

from transforms.api import documents_views, runs_views, views

urlpatterns = [
    path("", include("transforms.api.scans_urls")),
    path("pipelines", views.PipelinesView.as_view()),
    path("pipelines/schema", views.PipelineSchemaView.as_view()),
    path("pipelines/check", documents_views.CheckDraftView.as_view()),
    path("pipelines/plan", documents_views.PlanDraftView.as_view()),
    path("pipelines/sample", documents_views.SampleDraftView.as_view()),
    path("pipelines/<uuid:pipeline_id>", views.PipelineView.as_view()),
    path("pipelines/<uuid:pipeline_id>/plan", views.PlanPipelineView.as_view()),
    path("pipelines/<uuid:pipeline_id>/sample", views.SamplePipelineView.as_view()),
    path("pipelines/<uuid:pipeline_id>/run", runs_views.RunPipelineView.as_view()),
    path("pipelines/<slug:name>/backfill", views.BackfillView.as_view()),
    path("runs", runs_views.RunsView.as_view()),
    path("runs/<uuid:run_id>", runs_views.RunView.as_view()),
    path("runs/<uuid:run_id>/cancel", runs_views.CancelRunView.as_view()),
    path("runs/<uuid:run_id>/retry", runs_views.RetryRunView.as_view()),
    path("runs/<uuid:run_id>/diff", runs_views.DiffRunsView.as_view()),
    path("runs/<uuid:run_id>/quarantine", runs_views.QuarantineView.as_view()),
    path("runs/<uuid:run_id>/card", runs_views.CardView.as_view()),
]
