"""Replaying a policy over recorded spot availability: what would it have cost, how often would it have been short?"""
