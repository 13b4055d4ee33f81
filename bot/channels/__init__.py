"""Where people are: one adapter a service, and the one place that makes markup."""
