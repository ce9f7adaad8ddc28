"""What must hold before a visit may take place, pure: approved slots, suspensions, languages."""
