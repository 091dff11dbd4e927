"""Classes of texts: taxonomies, calibrated classifiers, sets, doubtful labels, what to review next, and triage."""
