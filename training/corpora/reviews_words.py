"""The words of the restaurant reviews, and the phrases that are made of one or two of them."""

WORDS = """
# Things.
SAVORY[singular]
    6: pizza | soup | salad | burger
    5: steak | curry | sandwich | pasta
    4: omelette | stew | lasagna | risotto
SAVORY[plural]
    6: noodles | burgers | fries | dumplings
    5: vegetables | steaks | mushrooms | tacos
    4: potatoes | omelettes | sandwiches | sausages
SWEET[singular] = dessert | cake | pie | pudding | waffle | tart | muffin
SWEET[plural] = pancakes | desserts | cakes | waffles | cookies | tarts | muffins
COUNT[food, number]
    7: SAVORY[number]
    4: SWEET[number]
COUNT[drinks, singular]
    5: cocktail | coffee | beer | wine
    4: smoothie | milkshake | juice | cider | espresso | punch | soda
COUNT[drinks, plural]
    5: cocktails | drinks | beers | wines
    4: smoothies | milkshakes | juices | coffees | ciders | sodas | lemonades
COUNT[service, number] = PERSON[number]
COUNT[place, singular]
    5: SPACE[singular]
    4: place | table | bathroom | patio
COUNT[place, plural]
    5: SPACE[plural]
    4: tables | bathrooms | patios
COUNT[price, singular] = price | bill | fee | charge | cost | rate
COUNT[price, plural] = prices | fees | charges | bills | costs | rates
MASS[food] = food | chicken | bread | fish
MASS[drinks] = lemonade | tea | water
MASS[service] = service | staff | team
MASS[place] = interior | lobby | kitchen
MASS[price] = total | check
WAITER[singular] = waiter | waitress | host | bartender | barista
WAITER[plural] = waiters | waitresses | hosts | bartenders | baristas
COOK[singular] = chef | manager | cook | owner | baker
COOK[plural] = chefs | managers | cooks | owners | bakers
PERSON[number]
    5: WAITER[number]
    4: COOK[number]
SPACE[singular] = restaurant | terrace | room | bar | garden | balcony | lounge | cellar
SPACE[plural] = rooms | gardens | booths | balconies | halls | terraces | lounges

# Around things.
DETERMINER[singular] = their | our | this | that
DETERMINER[plural] = their | our | these | those
WHICH[food] = first | second | homemade | special | famous | small | large
WHICH[drinks] = first | second | special | local | small | large
WHICH[service] = young | new | other | tall | old
WHICH[place] = new | old | small | large | other
WHICH[price] = new | final | full | usual | other
WHERE[food, number]
    4: SAVORY[number] with SIDE
    2: SWEET[number] with TOPPING
    1: COUNT[food, number] on the menu | COUNT[food, number] from the kitchen
WHERE[drinks, number]
    2: COUNT[drinks, number] from the bar | COUNT[drinks, number] with the dessert
    1: COUNT[drinks, number] on the list | COUNT[drinks, number] before the meal | COUNT[drinks, number] with lemon
WHERE[service, number]
    2: PERSON[number] at the door | PERSON[number] with the red hair
    1: PERSON[number] behind the bar | PERSON[number] at our table | PERSON[number] with the glasses
WHERE[place, number]
    2: COUNT[place, number] by the river | COUNT[place, number] near the entrance
    1: COUNT[place, number] on the roof | COUNT[place, number] behind the house | COUNT[place, number] at the back
WHERE[price, number]
    2: COUNT[price, number] on the menu | COUNT[price, number] for the wine
    1: COUNT[price, number] for the lunch | COUNT[price, number] for two people | COUNT[price, number] on the website
SIDE = garlic | cheese | the fresh herbs | mushrooms | onions | lemon | tomatoes | spinach
TOPPING = nuts | cream | honey | fresh berries | chocolate
SPOT[food] = on the menu | on every table
SPOT[drinks] = on the list | on the menu
SPOT[service] = at the door | at the bar | in the kitchen
SPOT[place] = by the river | at the back | on the roof
SPOT[price] = on the menu | on the website | for the lunch
AREA = in town | in the city | so far | this year | in the area

# People, and what they say and do.
WHO[singular, bare] = i
WHO[singular, third]
    3: my friend | my wife | my husband
    2: my mother | my father | my sister | my brother | my boss | my neighbor | my daughter | my son
WHO[plural, bare]
    6: we
    2: my friends | my parents | the children | my colleagues | our guests
    1: both families | my neighbors
SAYING[form] = say/says/said | think/thinks/thought | find/finds/found | agree/agrees/agreed
HOPE[bare] = hope | think | expect
HOPE[third] = hopes | thinks | expects
CHOOSE[form, food]
    2: order/orders/ordered | recommend/recommends/recommended
    1: choose/chooses/chose | want/wants/wanted
CHOOSE[form, drinks]
    2: order/orders/ordered | recommend/recommends/recommended
    1: choose/chooses/chose | want/wants/wanted
CHOOSE[form, service]
    2: like/likes/liked | recommend/recommends/recommended
    1: praise/praises/praised | mention/mentions/mentioned
CHOOSE[form, place]
    2: choose/chooses/chose | recommend/recommends/recommended
    1: want/wants/wanted | mention/mentions/mentioned
CHOOSE[form, price] = mention/mentions/mentioned | expect/expects/expected | find/finds/found
LIKE[form, topic, positive]
    3: love/loves/loved
    2: like/likes/liked | praise/praises/praised
LIKE[form, food, positive]
    3: enjoy/enjoys/enjoyed
LIKE[form, drinks, positive]
    3: enjoy/enjoys/enjoyed
LIKE[form, topic, negative]
    3: hate/hates/hated
    2: dislike/dislikes/disliked | complain/complains/complained about
TRULY = really | truly | simply | always | clearly
AM[past, singular, agreement] = was
AM[past, plural, bare] = were
AM[present, singular, bare] = am
AM[present, singular, third] = is
AM[present, plural, bare] = are
AM[future, singular, agreement] = will be
AM[future, plural, bare] = will be
HAPPY[positive] = happy | pleased | delighted | impressed
HAPPY[negative] = unhappy | disappointed | annoyed
GO[form, topic, positive] = come/comes/came back for | thank/thanks/thanked them for
GO[form, topic, negative] = avoid/avoids/avoided | stay/stays/stayed away from
MEET[form, food] = have/has/had | get/gets/got
MEET[form, drinks] = have/has/had | get/gets/got
MEET[form, service] = have/has/had | get/gets/got
MEET[form, place] = find/finds/found | get/gets/got
MEET[form, price] = find/finds/found | get/gets/got
TELL[form] = tell/tells/told
TRY[food, positive] = try | order
TRY[drinks, positive] = try | order
TRY[service, positive] = thank | praise
TRY[place, positive] = try | enjoy
TRY[price, positive] = enjoy | praise
TRY[topic, negative] = avoid | forget

# What things do.
BE[past, singular] = was
BE[past, plural] = were
BE[present, singular] = is
BE[present, plural] = are
BE[future, number] = will be
THAT[past, singular] = that was
THAT[past, plural] = those were
THAT[present, singular] = this is
THAT[present, plural] = these are
HAS[past, number] = had
HAS[present, singular] = has
HAS[present, plural] = have
HAS[future, number] = will have
COMFORT[positive] = plenty of space | a great view
COMFORT[negative] = no heating | no view | a strange smell
SEEM[form, food] = taste/tastes/tasted | look/looks/looked | smell/smells/smelled
SEEM[form, drinks] = taste/tastes/tasted | look/looks/looked | smell/smells/smelled
SEEM[form, service] = seem/seems/seemed
SEEM[form, place] = look/looks/looked | seem/seems/seemed | feel/feels/felt
SEEM[form, price] = seem/seems/seemed
SERVE[form] = serve/serves/served us | serve/serves/served the wine | bring/brings/brought the bread
ACT[form, food, positive]
    1: make/makes/made everyone happy | make/makes/made us smile | taste/tastes/tasted like home
    1: come/comes/came with good bread
ACT[form, food, negative]
    1: make/makes/made us sick | taste/tastes/tasted like cardboard | taste/tastes/tasted of nothing
    1: come/comes/came too late | leave/leaves/left us hungry | need/needs/needed more salt
ACT[form, drinks, positive]
    1: make/makes/made us smile | taste/tastes/tasted like summer | come/comes/came with good snacks
ACT[form, drinks, negative]
    1: smell/smells/smelled of soap | taste/tastes/tasted like water | taste/tastes/tasted of soap
    1: come/comes/came too late | give/gives/gave me a headache
ACT[form, service, positive]
    1: make/makes/made us feel welcome | give/gives/gave us good advice | bring/brings/brought us extra bread
    1: make/makes/made everyone laugh
ACT[form, service, negative]
    1: make/makes/made us wait | bring/brings/brought us the wrong order | leave/leaves/left us at the door
    1: give/gives/gave us bad advice | need/needs/needed more training
ACT[form, place, positive]
    1: make/makes/made us feel at home | feel/feels/felt like home | smell/smells/smelled of flowers
ACT[form, place, negative]
    1: need/needs/needed a good cleaning | smell/smells/smelled of smoke | feel/feels/felt like an office
ACT[form, price, positive]
    1: make/makes/made everyone happy | leave/leaves/left room for dessert | bring/brings/brought us back
ACT[form, price, negative]
    1: come/comes/came as a shock | leave/leaves/left us speechless | make/makes/made us angry
    1: give/gives/gave me a headache

# What things are.
STRONG[positive, consonant]
    3: great | wonderful | perfect | fantastic
    2: superb | brilliant | delightful | fabulous | marvelous
STRONG[positive, vowel] = excellent | amazing | outstanding | exceptional
STRONG[negative, consonant] = terrible | horrible | disappointing | dreadful | ridiculous | pathetic | miserable
STRONG[negative, vowel] = awful | appalling | atrocious
PLAIN[positive, consonant] = good | nice | lovely | pleasant | decent
PLAIN[negative, consonant] = bad | poor | mediocre | strange
PLAIN[negative, vowel] = unpleasant
TRAIT[food, positive, first, consonant] = fresh | rich | colorful | crisp
TRAIT[food, positive, second, consonant] = delicious | filling | flavorful
TRAIT[food, positive, second, vowel] = appetizing
TRAIT[food, negative, first, consonant] = cold | salty | greasy | soggy
TRAIT[food, negative, first, vowel] = oily
TRAIT[food, negative, second, consonant] = bland | boring | dull | stodgy
TRAIT[food, negative, second, vowel] = unappetizing
TRAIT[drinks, positive, first, consonant] = fresh | rich | smooth
TRAIT[drinks, positive, second, consonant] = delicious | refreshing | fruity | satisfying
TRAIT[drinks, negative, first, consonant] = weak | thin | stale | cloudy
TRAIT[drinks, negative, second, consonant] = watery | sour | bitter
TRAIT[service, positive, first, consonant] = friendly | polite | kind | cheerful
TRAIT[service, positive, second, consonant] = helpful | quick | professional
TRAIT[service, positive, second, vowel] = attentive
TRAIT[service, negative, first, consonant] = rude | grumpy | careless | cold
TRAIT[service, negative, first, vowel] = unfriendly
TRAIT[service, negative, second, consonant] = slow | lazy | clumsy | forgetful
TRAIT[service, negative, second, vowel] = impatient
TRAIT[place, positive, first, consonant] = clean | cozy | bright | spacious
TRAIT[place, positive, second, consonant] = charming | comfortable | quiet
TRAIT[place, positive, second, vowel] = elegant | inviting
TRAIT[place, negative, first, consonant] = dirty | dark | shabby | cramped
TRAIT[place, negative, first, vowel] = ugly
TRAIT[place, negative, second, consonant] = noisy | crowded | gloomy
TRAIT[place, negative, second, vowel] = uncomfortable
TRAIT[price, positive, first, consonant] = fair | low | modest
TRAIT[price, positive, second, consonant] = reasonable | sensible
TRAIT[price, positive, second, vowel] = honest | affordable
TRAIT[price, negative, first, consonant] = high | steep
TRAIT[price, negative, first, vowel] = excessive
TRAIT[price, negative, second, consonant] = shocking
TRAIT[price, negative, second, vowel] = unfair | outrageous
MOST[positive]
    3: best
    1: nicest | finest | most impressive
MOST[negative]
    3: worst
    1: most disappointing | least impressive
MORE[positive] = better | nicer
MORE[negative] = worse
STANDARD = expected | usual | before | anywhere else | in the old place
WORTH = the wait | the trip | the money
WHOM = us | me | my taste | a place like this

# How much.
VERY
    5: very
    1: very , VERY
DEGREE
    4: VERY | so | really
    2: quite | rather
    2: pretty | incredibly
    1: extremely | surprisingly
UTTERLY = absolutely | simply | truly | just
TOO = too | at all
ENOUGH = very | at all | particularly

# What comes first or last.
VIEW
    3: honestly | overall | frankly
    2: to be honest | in my opinion
LUCK[positive] = luckily | fortunately | thankfully
LUCK[negative] = sadly | unfortunately | regrettably
TIME[past]
    4: last night | yesterday
    2: last DAY | this morning | on DAY
TIME[present]
    2: these days | as always | as usual | every DAY
    1: on weekends
TIME[future]
    3: next time | tomorrow
    2: next DAY | on DAY
DAY = friday | saturday | sunday | monday | tuesday | wednesday | thursday
"""
