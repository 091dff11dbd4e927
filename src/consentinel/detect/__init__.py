"""Find personal and device-related data collected without consent."""
