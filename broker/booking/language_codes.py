"""Codes of the languages that a slot may name. What is not here is more likely a slip of the pen than a language."""

_ISO_639_1 = """
aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo es
et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki
kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no
nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te
tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu
"""

_ISO_639_3 = """
aji ami ase atb bca bfi bfs bgr blo blr bnn cmn cng cnk csl dai dng doc drs dru duu evn fil gio hac hks hmd hmn hni
hnj hrx huc ils ins ium jiu jsl jya kac kdt khb kjg kmc kvk lah lbj lhu lic lis lkc lpo lus mhx mjg mmd mnc mvf mww
nbf nru nst nuf nun nxq onp oro oru pcc peh pll pmi pmj prk pwn rbb rsl sce sgh sgn sjo slr sty swi tay tdd thi tji
trv tss tsu tsy tyn uly umo vsl wbm xal xbo ybe yno yus yuy ywq zeh zgb zgm zyb zyg zyj zzj
"""
"""Mandarin, the languages of China's peoples and of its neighbours, and sign languages."""

LANGUAGES = frozenset((_ISO_639_1 + _ISO_639_3).split())
