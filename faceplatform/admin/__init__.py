"""The admin: staff look after the data of the organization they are in.

It asks the policy table like pages and API do, and writes through the same services. `urls` puts
together what the apps register on `site`.
"""
