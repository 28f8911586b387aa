"""The grammar of the restaurant reviews: the features and rules of sentences (`notation` says how to read them)."""

from training.corpora.reviews_words import WORDS

SHORTEST, LONGEST = 4, 20

# The first four are the attributes of a text. A mixed text has clauses, or adjectives, of opposite feelings.
FEATURES = {
    "sentiment": {"positive": 45, "negative": 35, "mixed": 20},
    "tense": {"past": 42, "present": 35, "future": 23},
    "topic": {"food": 30, "drinks": 18, "service": 19, "place": 18, "price": 15},
    "number": {"singular": 58, "plural": 42},
    "feeling": {"positive": 55, "negative": 45},
    "form": {"bare": 1, "third": 1, "past": 1},
    "agreement": {"bare": 35, "third": 65},
    "group": {"first": 1, "second": 1},
    "sound": {"consonant": 72, "vowel": 28},
}

RULES = (
    """
TEXT = SENTENCE[tense, topic, sentiment, number]

SENTENCE[tense, topic, feeling, number]
    20: SHORT[tense, topic, feeling, number] .
    15: LONG[tense, topic, feeling, number] .
    13: OPENER[tense, feeling] , CLAUSE[tense, topic, feeling, number] .
    8: CLAUSE[tense, topic, feeling, number] TIME[tense] .
    18: CLAUSE[tense, topic, feeling, number] , and SECOND[tense, topic, feeling] .
    8: OPINION[tense, topic, feeling, number] because REASON[tense, topic, feeling] .
    7: REPORT[tense, topic, feeling, number] .
    4: there BE[tense, number] SOME[topic, feeling, number] SPOT[topic] .
    5: SUPERLATIVE[tense, topic, feeling, number] .
    4: what ONE[topic, feeling, number] THAT[tense, number] !
SENTENCE[tense, topic, mixed, number]
    8: CLAUSE[tense, topic, feeling, number] , but SECOND[tense, topic, other_feeling] .
    4: VIEW , CLAUSE[tense, topic, feeling, number] , but SECOND[tense, topic, other_feeling] .
    5: although SECOND[tense, topic, other_feeling] , CLAUSE[tense, topic, feeling, number] .
    5: THING[tense, topic, number] BE[tense, number] CONTRAST[topic, feeling] .

# A clause on something else than the topic of the text.
SECOND[tense, topic, feeling] = CLAUSE[tense, other_topic, feeling, number]
REASON[tense, topic, feeling] = FACT[tense, other_topic, feeling, number]

REPORT[tense, topic, feeling, number]
    1: WHO[number, agreement] SAY[tense, agreement] that REPORTED[tense, topic, feeling]
REPORTED[tense, topic, feeling]
    5: CLAUSE[tense, topic, feeling, number]
    1: REPORT[tense, topic, feeling, number]
SAY[past, agreement] = SAYING[past]
SAY[present, agreement] = SAYING[agreement]
SAY[future, agreement] = HOPE[agreement]

SUPERLATIVE[tense, topic, feeling, number] = THAT[tense, number] the MOST[feeling] COUNT[topic, number] AREA

CLAUSE[tense, topic, feeling, number]
    6: SHORT[tense, topic, feeling, number]
    94: LONG[tense, topic, feeling, number]
LONG[tense, topic, feeling, number]
    5: FACTS[tense, topic, feeling, number]
    4: OPINION[tense, topic, feeling, number]
FACT[tense, topic, feeling, number]
    6: SHORT[tense, topic, feeling, number]
    94: FACTS[tense, topic, feeling, number]
SHORT[tense, topic, feeling, number] = the NOUN[topic, number] BE[tense, number] ADJECTIVE[topic, feeling]
FACTS[tense, topic, feeling, number]
    12: the NOUN[topic, number] BE[tense, number] QUALITY[topic, feeling]
    14: FULL[tense, topic, number] BE[tense, number] ADJECTIVE[topic, feeling]
    14: FULL[tense, topic, number] BE[tense, number] QUALITY[topic, feeling]
    8: SEEMS[tense, topic, feeling, number]
    20: ACTS[tense, topic, feeling, number]

# Things: what is reviewed.
THING[tense, topic, number]
    20: the NOUN[topic, number]
    80: FULL[tense, topic, number]
FULL[tense, topic, number]
    18: DETERMINER[number] NOUN[topic, number]
    14: the WHICH[topic] NOUN[topic, number]
    14: the WHERE[topic, number]
    10: the WHICH[topic] WHERE[topic, number]
    12: the COUNT[topic, number] RELATIVE[tense, topic, number]
FULL[tense, food, plural]
    9: the SAVORY[number] and the SWEET[number2]
FULL[tense, service, plural]
    9: the WAITER[number] and the COOK[number2]

NOUN[topic, singular]
    4: COUNT[topic, singular]
    1: MASS[topic]
NOUN[topic, plural] = COUNT[topic, plural]

RELATIVE[tense, topic, number] = that ADVISER[tense, agreement] CHOICE[tense, agreement, topic]
RELATIVE[tense, service, number] = that SERVES[tense, number]
ADVISER[tense, agreement]
    8: WHO[number, agreement]
ADVISER[tense, third]
    2: the PERSON[singular]
    1: the PERSON[singular] RELATIVE[tense, service, singular]
ADVISER[tense, bare]
    2: the PERSON[plural]
    1: the PERSON[plural] RELATIVE[tense, service, plural]
CHOICE[past, agreement, topic] = CHOOSE[past, topic]
CHOICE[present, agreement, topic] = CHOOSE[agreement, topic]
CHOICE[future, agreement, topic] = CHOOSE[agreement, topic]
SERVES[past, number] = SERVE[past]
SERVES[present, singular] = SERVE[third]
SERVES[present, plural] = SERVE[bare]
SERVES[future, number] = will SERVE[bare]

# What things are.
QUALITY[topic, feeling]
    12: DEGREE MILD[topic, feeling, sound]
    6: UTTERLY STRONG[feeling, sound]
    8: TRAIT[topic, feeling, first, sound] and TRAIT[topic, feeling, second, sound2]
    5: MORE[feeling] than STANDARD
QUALITY[topic, positive]
    5: not TOO TRAIT[topic, negative, group, sound]
QUALITY[topic, negative]
    5: not ENOUGH MILD[topic, positive, sound]
    3: too TRAIT[topic, negative, group, sound] for WHOM
QUALITY[food, positive]
    3: worth WORTH
QUALITY[drinks, positive]
    3: worth WORTH
QUALITY[service, positive]
    3: worth WORTH
QUALITY[place, positive]
    3: worth WORTH
CONTRAST[topic, feeling]
    1: TRAIT[topic, feeling, first, sound] but TRAIT[topic, other_feeling, second, sound2]
    2: TRAIT[topic, feeling, first, sound] but DEGREE TRAIT[topic, other_feeling, second, sound2]
CONTRAST[topic, positive]
    2: PLAIN[positive, sound] but DEGREE TRAIT[topic, negative, group, sound2]
ADJECTIVE[topic, feeling]
    2: STRONG[feeling, sound]
    3: MILD[topic, feeling, sound]
MILD[topic, feeling, sound]
    1: PLAIN[feeling, sound]
    3: TRAIT[topic, feeling, group, sound]

# What there is, and exclamations.
SOME[topic, feeling, singular] = ONE[topic, feeling, singular]
SOME[topic, feeling, plural]
    2: some ONE[topic, feeling, plural]
    1: many ONE[topic, feeling, plural] | several ONE[topic, feeling, plural]
ONE[topic, feeling, singular]
    3: a KIND[topic, feeling, consonant] COUNT[topic, singular] | an KIND[topic, feeling, vowel] COUNT[topic, singular]
    2: a VERY MILD[topic, feeling, sound] COUNT[topic, singular]
ONE[topic, feeling, plural]
    5: KIND[topic, feeling, sound] COUNT[topic, plural]
    1: VERY MILD[topic, feeling, sound] COUNT[topic, plural]
KIND[topic, feeling, sound]
    2: STRONG[feeling, sound]
    3: MILD[topic, feeling, sound]

# What things seem and do.
SEEMS[past, topic, feeling, number] = THING[past, topic, number] SEEM[past, topic] ADJECTIVE[topic, feeling]
SEEMS[present, topic, feeling, singular]
    1: THING[present, topic, singular] SEEM[third, topic] ADJECTIVE[topic, feeling]
SEEMS[present, topic, feeling, plural] = THING[present, topic, plural] SEEM[bare, topic] ADJECTIVE[topic, feeling]
SEEMS[future, topic, feeling, number] = THING[future, topic, number] will SEEM[bare, topic] ADJECTIVE[topic, feeling]

ACTS[past, topic, feeling, number] = THING[past, topic, number] ACT[past, topic, feeling]
ACTS[present, topic, feeling, singular] = THING[present, topic, singular] ACT[third, topic, feeling]
ACTS[present, topic, feeling, plural] = THING[present, topic, plural] ACT[bare, topic, feeling]
ACTS[future, topic, feeling, number] = THING[future, topic, number] will ACT[bare, topic, feeling]
ACTS[tense, place, feeling, number] = the SPACE[number] HAS[tense, number] COMFORT[feeling]

# What people think of things.
OPINION[tense, topic, feeling, number]
    14: WHO[number, agreement] LIKES[tense, agreement, topic, feeling] WHAT[tense, topic, feeling]
    4: WHO[number, agreement] AM[tense, number, agreement] HAPPY[feeling] with WHAT[tense, topic, feeling]
    5: WHO[number, agreement] GOES[tense, agreement, topic, feeling] WHAT[tense, topic, feeling]
    2: WHO[number, agreement] TELLS[tense, agreement] everyone to TRY[topic, feeling] WHAT[tense, topic, feeling]
    8: WHO[number, agreement] MEETS[tense, agreement, topic] SOME[topic, feeling, number2]
WHAT[tense, topic, feeling]
    5: THING[tense, topic, number]
    4: the KIND[topic, feeling, sound] COUNT[topic, number] | their KIND[topic, feeling, sound] COUNT[topic, number]
    2: the KIND[topic, feeling, sound] WHERE[topic, number]

LIKES[past, agreement, topic, feeling]
    4: LIKE[past, topic, feeling]
    2: TRULY LIKE[past, topic, feeling]
LIKES[past, agreement, topic, negative] = did not LIKE[bare, topic, positive]
LIKES[present, agreement, topic, feeling]
    4: LIKE[agreement, topic, feeling]
    2: TRULY LIKE[agreement, topic, feeling]
LIKES[present, bare, topic, negative] = do not LIKE[bare, topic, positive]
LIKES[present, third, topic, negative] = does not LIKE[bare, topic, positive]
LIKES[future, agreement, topic, feeling]
    4: will LIKE[bare, topic, feeling]
    2: will TRULY LIKE[bare, topic, feeling]
LIKES[future, agreement, topic, negative] = will not LIKE[bare, topic, positive]

GOES[past, agreement, topic, feeling] = GO[past, topic, feeling]
GOES[present, agreement, topic, feeling] = GO[agreement, topic, feeling]
GOES[future, agreement, topic, feeling] = will GO[bare, topic, feeling]

TELLS[past, agreement] = TELL[past]
TELLS[present, agreement] = TELL[agreement]
TELLS[future, agreement] = will TELL[bare]

MEETS[past, agreement, topic] = MEET[past, topic]
MEETS[present, agreement, topic] = MEET[agreement, topic]
MEETS[future, agreement, topic] = will MEET[bare, topic]

# What comes before it all.
OPENER[tense, feeling]
    5: VIEW
    3: LUCK[feeling]
    5: TIME[tense]
"""
    + WORDS
)
