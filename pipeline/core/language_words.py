"""Small words and turns of spelling that tell languages apart; what ``language.py`` counts."""

from __future__ import annotations

from typing import Final

WORDS: Final = {
    "ru": """
        и в во не что он на я с со как а то все она так его но да ты к у же вы за бы по только ее мне было
        вот от меня еще нет о из ему теперь когда даже ну ли если уже или ни быть был него до вас опять вам
        ведь там про та сам сама сами тебе потом себя ничего ей может они тут где есть надо ней для мы тебя
        их чем была чтоб чтобы без будто чего раз тоже себе под будет тогда кто этот того потому этого какой
        ним здесь этом мой тем сейчас были это эта эти всё ещё при об очень просто почему можно спасибо
        привет здравствуйте всем день сегодня завтра вчера нужно нельзя хочу могу люблю знаю думаю кажется
        конечно вообще никто никогда всегда сколько такой такая такое какая какие моя мои наш наша ваш ваша
        свой лучше хуже хорошо плохо деньги работа работает время люди человек жизнь дом город год лет новый
        новая новые хороший большой первый после перед между через больше меньше много мало совсем почти
        снова пока зачем давай пусть хотя который которая которые нас им ему нам вами ними две два три час
        рубль рублей карта карты интернет связь сбой цены доброе утро вечер ночь скучно
    """,
    "uk": """
        і та не що він на я з зі як а то все усе вона так його але ти до у ж же ви за по тільки її мені
        було ось від мене ще немає нема про із йому тепер коли навіть ну чи якщо вже або ні бути був нього
        вас вам там потім себе нічого їй може вони тут де є треба для ми тебе їх чим була сам щоб без теж
        також собі під буде тоді хто цей того тому цього який яка яке які це ця ці цю дуже просто чому можна
        дякую привіт всім усім день сьогодні завтра вчора зараз добре погано добрий доброго ранку вечора
        гроші люди людей рік років новий нова нове гарна гарний гарно краще хочу можу знаю думаю люблю наш
        наша ваш ваша мій моя свій після перед між через більше менше багато мало зовсім майже знову поки
        навіщо давай нехай хоча котрий нас їм нам два дві три година робота працює працюють ласка вітаю
        україна україні картка гривень місто життя тепер нині набридло чекати зламався дивлюся
        завжди кожен жах ранок справи чекаю бачу кажуть каже сказав зробив зробила робити зробити прийшло
        прийшов пишуть гірше вдячний вдячна кохаю кохання українська дивно сумно чудово чудовий жодного жодна
        досить аби отже проте адже наче немов лише швидко швидше дзвоню борг кошти рахунок знижка черга
        крамниця замовлення послуга скарга поганий вулиця будинок хвилина тиждень втомився втомилася лікар
    """,
    "be": """
        і ды не што ён на я з са як а то усё яна так яго але ты да у ж жа вы за б па толькі яе мне было вось
        ад мяне яшчэ няма пра ў яму цяпер калі нават ну ці або ні быць быў вас вам там потым сябе нічога ёй
        можа яны тут дзе ёсць трэба для мы цябе іх чым была сам каб без таксама сабе пад будзе тады хто гэты
        гэтая гэтае гэта гэтыя гэтага таго таму які якая якое якія вельмі проста чаму можна дзякуй
        прывітанне вітаю сёння заўтра учора зараз добра дрэнна добры грошы людзі год новы новая прыгожая
        прыгожы лепш хачу магу ведаю думаю люблю наш наша ваш мой мая свой пасля перад праз больш менш шмат
        мала зусім амаль зноў пакуль навошта няхай хоць нас ім нам два дзве тры праца працуе працуюць ласка
        калі жыве горад жыццё мова чакаць чакаю хутка крама хлопцы праверце гляджу заўсёды кожны жах раніца
        справы сонца бачу кажуць кажа сказаў зрабіў зрабіла рабіць прыйшло прыйшоў горш удзячны каханне
        сумна цудоўна досыць хаця аднак павольна рахунак зніжка чарга замова паслуга водгук дрэнны вуліца
        хвіліна гадзіна тыдзень хварэю стаміўся лекар патэлефануйце вярніце спадар бачыў разумею альбо
        яшчэ ужо
    """,
    "kk": """
        және мен бұл бір де да үшін емес жоқ сен ол біз сіз олар не қалай қайда қашан өте жақсы рахмет деп
        еді болды болып керек туралы кейін дейін сәлем екен ғой ма ме бе пе осы сол өз өзі бәрі бәріңізге ең
        тағы енді бүгін ертең кеше қазір ақша жаңа үлкен адам жұмыс үй қала ел күн түн жыл рет көп аз тек
        қана неге кім маған саған оған бізде сізде менің сенің оның біздің сіздің балам анам әкем жатыр отыр
        тұр жүр отырмын жатырмын келді кетті алды берді деді алма қандай барлық әр бірақ сондай мұндай нашар
        қымбат арзан
    """,
    "en": """
        the of and to in is it you that he was for on are with as his they be at one have this from or had
        by not but what all were we when your can said there use an each which she do how their if will up
        about out them then many some so her would like him into has more no my than been who its now did
        get just i me us our a good great thanks please why very don't it's i'm can't isn't doesn't won't
        let's you're that's never again morning night day today tomorrow week year time people work works
        back new old best better bad love hate want need know think see look make go going gone come down
        off over only even here where because any anyone someone everyone ever happy sad nice well done dear
        friend friends guys man girl home house city take give money news song music movie football game
        play team win lost lose watch watching really much little long short big small first last next other
        same right wrong wait waiting call send help say says thank sorry hello hi yes ok am isn wasn after
        before since still too also always every thing things life world way feel feeling sick tired boring
        beautiful poor quality care happen happened price prices expensive cheap service support phone app
        card bank account order delivery exam problem shame school car food free live stop start try tell
        told ask keep left wish hope miss enough could should must
    """,
    "und": """
        е са съм си се ще най това този тази тези какво защо кога моля ви ми го много още благодаря къде
        добре няма имам мога няма ли бе де без след така само може хубава хубав ток днес утре беше је сам си
        смо сте су није шта зашто када где хвала може ово тако али ради дана два да не десило одговор зошто
        како што благодарам сум веќе нема дә тә да бик белән һәм инде мин син без сез юк бар булган нигә
        шулай бүген иртәгә рәхмәт эмне үчүн жок жатат менен ман мо ту аз ба дар ки ин бу ва эмас учун билан
        байна юм бэ гэж бол нь der die das und ist nicht ich ein eine zu mit auf den dem im von sie er es
        wir ihr wie was warum aber auch noch nur schon sehr gut danke bitte heute morgen kein keine alles
        für ve bir bu da de ne için çok ama var yok mi mı mu ben sen biz siz o daha kadar neden nasıl
        teşekkürler iyi de la le les des est et un une que qui pas pour dans sur je tu il nous vous ce c'est
        avec merci pourquoi beaucoup el los las por para con es si se su al lo como más pero muy gracias
        todo bien qué di che non per una sono ma come perché grazie mille tutti molto questo w z na się nie
        jest to że jak ale od do po za dla tak dlaczego dziękuję dzień wszystko bardzo jest co i o não um
        uma os as com em obrigado
    """,
}
"""Frequent words; a word may stand in several lists. ``und`` lists those of languages that are not told
apart."""

ROMANISED: Final = """
    i v ne chto na ya s kak eto vse tak no da ti ty k u vi vy za po tolko mne bylo ot menya esche net iz
    kogda dazhe esli uzhe ili byt ochen pochemu mozhno spasibo privet segodnya nas vas oni gde est dlya
    mi my nado tebya tebe nam vam ego eyo ee emu ih kto etot tut tam togda potom seychas zavtra vchera
    horosho ploho opyat snova budet byl byla karta bank dengi rabota rabotaet nikogda vsegda skolko
    takoy kakoy svyaz vsem dela mogu hochu lyublyu znayu zachem davay prosto blin pozhaluysta pomogite
    dorogo otlichno ruble rubley raz den noch utro vecher moy moya nash vash
"""
"""Frequent Russian words as people type them in Latin letters."""

MARKS: Final = {
    "ru": r"(?:ый|ий|ого|его|ться|тся|ешь|ишь|ние|ния|ость|ить|ать|еть|ять|ают|яют|ует|ает|ии)$|щ|ться",
    "uk": (
        r"(?:ати|ити|іти|ння|ття|ують|ують|ають|ій|ується|яти|ився|ався|авши|овує)$"
        r"|йо|ьо|зв'|п'я|в'я|б'є|'я|цьк|уват|зам[ов]вл|[кчгн]иц[яі]"
    ),
    "be": (
        r"(?:ць|цца|аць|ыя|ні|авы|овы)$|[жшч]ы|[рдтчц]э|дз[еёія]|цё|ця|сц[ея]|аў|еў|оў|яў|шч"
        r"|ьш[аы]|дрэ|[кгхчшн]ія$"
    ),
    "kk": (
        r"(?:ды|ді|ты|ті|мын|мін|сың|сің|лар|лер|дар|дер|тар|тер|ның|нің|ған|ген|қан|кен|ып|іп|ым|ім|сы|сі|шы|ші|ңыз"
        r"|ңіз|дық|лық|лік|йды|йді|нда|нде|ға|ге|қа|йын|бай|пай|май|мей|бей)$|ыл|ызд|ыст"
    ),
    "en": r"(?:ing|tion|ed|ly|ness|ment|ful|ous|able|ight|ck|ell|all|ow|ers|es|gh)$|th|wh|oo|ee|ea|ai",
    "und": (
        r"(?:ата|ята|ът|ият|ите|ето|ото|ане|ната|ката|йте|ујем)$|ъ[бвгдзклмнпрст]"
        r"|(?:ләр|дәр|гән|лек|мый|мәй|ымыз)$|(?<![аоуэ])(?:аа|уу|ээ|өө|үү)(?![аоуэ])|намек"
        r"|sch|tz|cht|cz|sz|rz|ção|[äöüğşıçőűñß]|[àáâãåæèéêëìíîïòóôõøùúûýÿąćęłńśźżčšžřťď]"
        r"|(?:ung|lich|keit|ieren|iert|oku|yor|lar|ler|dim|eau|eux|ez|mente|zione|amos|ego|che|lle)$"
    ),
}
"""Regular expressions over one word in lower case; up to two matches speak for the language."""
