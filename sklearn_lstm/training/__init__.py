"""What members share while they learn: what they are told, how long, and on which samples."""
