# By workspace/principal, for a platform admin by the principal alone, or by Orbit's id.
terraform import orbit_membership.kim payments-team/kim@example.com
