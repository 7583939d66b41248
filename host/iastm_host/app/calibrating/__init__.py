"""The calibration wizard: what it asks for, what it takes, what it makes of it. Views only draw its snapshot."""
