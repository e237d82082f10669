"""The stages that come with stylepipe: one module per stage, named as in recipes."""
