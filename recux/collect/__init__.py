"""What people write: consent, arms, slates, ratings, questionnaire answers, withdrawal."""
