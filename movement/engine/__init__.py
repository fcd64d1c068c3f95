"""Pure planning and copying: no Django, no Celery; values and stores in, values out."""
