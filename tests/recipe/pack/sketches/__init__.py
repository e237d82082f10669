"""A stage pack for the tests of the recipe language: every feature of the contract, and no computing."""
