/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Stored values and their passwords. Each group says which program made it; "correct horse" is the password unless a row says another.
 * The libraries that the values are checked with have made few of them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define HORSE "correct horse"

struct vector {
	const char *stored;
	const char *scheme;
	const char *password; /* NULL: HORSE */
	bool weak;
	bool cheap;
};

/* What a vector came from stands above it. */
static const struct vector vectors[] = {
	/* slappasswd 2.5.13 */
	{ "{SSHA}5dbuDQu+qTLNQI4RW/fC3l3Up44NlYXA", .scheme = "SSHA", .cheap = true },
	{ "{SHA}L55TUjtiq8FBorTWAZ0jy6g129A=", .scheme = "SHA", .weak = true, .cheap = true },
	{ "{SMD5}E1Z7hrH850ndRrdDOX5adVyH/9Q=", .scheme = "SMD5", .weak = true, .cheap = true },
	{ "{MD5}PLTnMmMfR+brlh80VUt83g==", .scheme = "MD5", .weak = true, .cheap = true },
	{ "{CRYPT}gQlUm3QKiosw2IJ068FwpfHw", .scheme = "CRYPT des", .weak = true, .cheap = true },
	{ "{CRYPT}aW8oVQY2YjaPc", .scheme = "CRYPT des", .weak = true, .cheap = true },
	{ "{CRYPT}$1$mJacQdfg$FCCBb.B9HphWjOxjsDJuM.", .scheme = "CRYPT md5", .weak = true },
	{ "{CRYPT}$6$rounds=1000$DxlB8nbZiD5aDPht$feMTMfLnBjZj/NGa5q6/AI5Kyg9vYniaoNYsNVcYT3LpmHLo58NjalDZFIXQPhhqlTnIfzz4M"
	  "qqGUjWACkJv51",
	  .scheme = "CRYPT sha512" },

	/* slappasswd with pw-sha2 */
	{ "{SHA256}QQTTb42iwlQ0n4WDZ5Pr4CngyVcGOjTJHC6SAxh7VjE=", .scheme = "SHA256", .weak = true, .cheap = true },
	{ "{SSHA256}/D5B6mdz/T7loaO2ewVAtr11vNx/d5U97Rf7omec4lkPS2cUuNvEuQ==", .scheme = "SSHA256", .cheap = true },
	{ "{SHA384}ArIKby67E2Cppg9M+QhXNj7UGcAisSFWfOX5HG45Zk+3j9YCNMSli1v8cUWumDKS",
	  .scheme = "SHA384", .weak = true, .cheap = true },
	{ "{SSHA384}CF+IJcIvG2YosejuXpUqAbrHjuqqxmvha69IZYGzpHMJqkf/BQXQCJv3GG/zlS85uvwn/UGbTHM=",
	  .scheme = "SSHA384", .cheap = true },
	{ "{SHA512}VraY3v7bWkNbY0r+MyC7rz/c2SC2xQOkRvx7endrKY1HnRumqLYXgI6wv1ec6aldZoNHvKtxSQhayTyyeZUZew==",
	  .scheme = "SHA512", .weak = true, .cheap = true },
	{ "{SSHA512}Rzk3bhmDdKW/L4721RIG0k30KVl0qS5AxBDI5oLBl6HoT5QT4daOm9DeTpb4w33ERkCgxPEUV6QwqSXSOVF6mcGgvkZUDYbd",
	  .scheme = "SSHA512", .cheap = true },

	/* slappasswd with pw-pbkdf2 and argon2 */
	{ "{PBKDF2}10000$cqxZQ58w3Pa1o5I1Ig8epg$fpwrIjuzsrh020D2DxHM.O1onkU", .scheme = "PBKDF2-SHA1" },
	{ "{PBKDF2-SHA1}10000$OiA2.6MIxNPh5EbubT75KA$JcfSm4d7hwqjlk27zIDYTbiaaD4", .scheme = "PBKDF2-SHA1" },
	{ "{PBKDF2-SHA256}10000$nWGHroSU7p6c4lhip5l.8g$gM0IiOOQXFuPVf8/OBrShY2NK6cbkB5L8VJsqIwEVsQ", .scheme = "PBKDF2-SHA256" },
	{ "{PBKDF2-SHA512}10000$evc.NHeJHUxGeVdury3RDg$VK1mPPKUmPVOAsv1NV5I8IBTQZxntGMlh.LMQHtaANzjAYx3.v89fmzMJmvANDWE4Cq9"
	  "Np2m7m8J/mNF326DDA",
	  .scheme = "PBKDF2-SHA512" },
	{ "{ARGON2}$argon2i$v=19$m=4096,t=3,p=1$/JDFbDeOLId9LEJ2gRgpAw$XGTbCKbOVvC26/l7zbwHy61BFt3oGwGvlCb0pNuoW4E",
	  .scheme = "ARGON2i" },

	/* mkpasswd of whois 5.5 */
	{ "{CRYPT}$y$j75$.S3ckS08f7bQUAtQbrSVm/$IBQjt.uxj96bYs6JymJ51qsvbrR9x.nRSTsTgAuNEh5", .scheme = "CRYPT yescrypt" },
	{ "{CRYPT}$gy$j75$x8QRfUh9VMpbw2ZJIbQjN1$tddT918lbnOk4Oh6wqXZm8pBqCkqaA/FyNVcA.fqc81", .scheme = "CRYPT gost-yescrypt" },
	{ "{CRYPT}$7$BU..../....d5OqLnVh49Zcbc7GPa7F/0$k.9L1CqaMmA3JyExHk1PEu9qyNzotZ5r2vkJW4zj1r9", .scheme = "CRYPT scrypt" },
	{ "{CRYPT}$2b$05$t9AMMjmZL/VLTmhqutOqLOqUQ0Lmcn6r2rjN4kqYRCUAtt5yS0kGa", .scheme = "CRYPT bcrypt" },
	{ "{CRYPT}$2a$05$8ExJCufkGZPw/Wz5gaMcuOTpYLuKuWlDkF/PvsPTG3mPB4zq8ZHCu", .scheme = "CRYPT bcrypt" },
	{ "{CRYPT}$6$f2ERPBp45G4w6rs7$u.Oq11X5WjxT6lEjTq9YQq.nAzrYgaEFNTfm3fG409nl0bG0rn5kRL3vr1jPAvjuqru/a6g3mE5ZiQ6eVIIez"
	  ".",
	  .scheme = "CRYPT sha512" },
	{ "{CRYPT}$5$3vYzVndma4xuqYGd$o6gkCtal2f6RV8lE290nZDX.4Eit0cHb4kID6TQ/o18", .scheme = "CRYPT sha256" },
	{ "{CRYPT}$md5,rounds=93261$540kNFNe$$zc.jm8nvkucgKIyeEi2dT1", .scheme = "CRYPT sunmd5", .weak = true },
	{ "{CRYPT}$1$NqFxnXlL$zq3FCckc6lYuQHJwY0DL0/", .scheme = "CRYPT md5", .weak = true },
	{ "{CRYPT}_J9..xcY3LJgQW8hFMKE", .scheme = "CRYPT extended-des", .weak = true },
	{ "{CRYPT}JPlxdSv6Rb0cg", .scheme = "CRYPT des", .weak = true, .cheap = true },
	{ "{CRYPT}$3$$cfc43211ba8dc470832267827cac1407", .scheme = "CRYPT nt", .weak = true, .cheap = true },

	/* openssl passwd 3.0 */
	{ "{CRYPT}$6$abcdefgh$yIZAF3gQPvtKZO/9qOJKffAKKbtS3ef3qmwyugk4uWVjX8YZf/GV3A8SkFxEPY0T56CcilGrHKLffBsp6dLMG.",
	  .scheme = "CRYPT sha512" },
	{ "{CRYPT}$5$abcdefgh$ruMep1ijHnJPZbETDNiumskxcX3kN4lzZd5VlsqE7eB", .scheme = "CRYPT sha256" },
	{ "{CRYPT}$1$abcdefgh$y6iHhJNbuC0xpbk0w9pm80", .scheme = "CRYPT md5", .weak = true },

	/* argon2(1) 0~20171227: each type, both versions, one and two lanes */
	{ "{ARGON2I}$argon2i$v=19$m=1024,t=2,p=2$c2FsdHlzYWx0$n93QtYOGuZpg9f46eMYrwzN8JkR00CjQPHSchbpXHMU", .scheme = "ARGON2i" },
	{ "{ARGON2I}$argon2i$v=16$m=1024,t=2,p=1$c2FsdHlzYWx0$M7Ps10rrxE7lFaGcB3MCF+HZtqGn8Jd+/GghC32om/o", .scheme = "ARGON2i" },
	{ "{ARGON2}$argon2i$m=1024,t=2,p=1$c2FsdHlzYWx0$M7Ps10rrxE7lFaGcB3MCF+HZtqGn8Jd+/GghC32om/o", .scheme = "ARGON2i" },
	{ "{ARGON2D}$argon2d$v=19$m=1024,t=2,p=2$c2FsdHlzYWx0$Wh6OlRmoBeZBcLSR+2BF/xsRNHHJ2YpVvBBCH0zr27E", .scheme = "ARGON2d" },
	{ "{ARGON2}$argon2d$v=16$m=1024,t=2,p=1$c2FsdHlzYWx0$ypVs+Iufsbf16Rpw75ezsxOUYBuzgm3eX9aoM3ObD6w", .scheme = "ARGON2d" },
	{ "{ARGON2ID}$argon2id$v=19$m=1024,t=2,p=2$c2FsdHlzYWx0$4PVga3UhL3sVTH88MjKg5jlpley8NIKsMb5yLw18aAw", .scheme = "ARGON2id" },
	{ "{ARGON2}$argon2id$v=16$m=1024,t=2,p=1$c2FsdHlzYWx0$gB5LEp3tVAf9ZBHDND1rXqtMe6gmtreuOtBcyF8OwEU", .scheme = "ARGON2id" },
	{ "{CRYPT}$argon2id$v=19$m=1024,t=2,p=2$c2FsdHlzYWx0$4PVga3UhL3sVTH88MjKg5jlpley8NIKsMb5yLw18aAw", .scheme = "ARGON2id" },

	/* doveadm pw of Dovecot 2.3.19 */
	{ "{SHA1}L55TUjtiq8FBorTWAZ0jy6g129A=", .scheme = "SHA", .weak = true, .cheap = true },
	{ "{SSHA}j/wk5sO7I193yH8nI3ErT25x5G0AOZXa", .scheme = "SSHA", .cheap = true },
	{ "{SSHA256}o+eH/oIA8+tqLkKSeCLZoOERf66LFlKKCrovx0/k///TfjWa", .scheme = "SSHA256", .cheap = true },
	{ "{SSHA512}SDpA3X0Yr6ZEBr558IiYtWX1pAWqZ/rfMZGUtyAqYn+mqRVS+V4UB7VccYe4OrM4tsO+np+JPt3aGYgliv8pyiPVDYw=",
	  .scheme = "SSHA512", .cheap = true },
	{ "{SMD5}HBI3noSD2g/UhlE6Db9LAetJ9Ec=", .scheme = "SMD5", .weak = true, .cheap = true },
	{ "{LDAP-MD5}PLTnMmMfR+brlh80VUt83g==", .scheme = "MD5", .weak = true, .cheap = true },
	{ "{PLAIN-MD5}3cb4e732631f47e6eb961f34554b7cde", .scheme = "MD5", .weak = true, .cheap = true },
	{ "{PLAIN-MD4}b4fe5d2ad49f136f957a7a6b1c029cd2", .scheme = "MD4", .weak = true, .cheap = true },
	{ "{SSHA.HEX}484746c32c722f5f2b40adebe6e176c2dcd4bdb48ffad4e6", .scheme = "SSHA", .cheap = true },
	{ "{SSHA256.B64}EOkQVncIEnJ5gn1+Jm5ZOILyg2f1oJBPM2jyzAQn8sMf7m81", .scheme = "SSHA256", .cheap = true },
	{ "{SMD5.HEX}eb9c9e1e2778d125294c863b53012834b03b51f6", .scheme = "SMD5", .weak = true, .cheap = true },
	{ "{SHA.B64}L55TUjtiq8FBorTWAZ0jy6g129A=", .scheme = "SHA", .weak = true, .cheap = true },
	{ "{MD5}$1$F7oIbP4Y$ndFTvIqZYX4pj0qT3mp4M0", .scheme = "CRYPT md5", .weak = true },
	{ "{MD5-CRYPT}$1$HPD8fxvD$OqABkr.vQgaJAyuu8RyBb1", .scheme = "CRYPT md5", .weak = true },
	{ "{DES-CRYPT}WMZVfJX1AcFVE", .scheme = "CRYPT des", .weak = true, .cheap = true },
	{ "{CRYPT}$2y$05$zsBHKTyIkXLZ0iifbovu.eS/IfWYn88a0BWjBsgaAkK1.KHabZEzO", .scheme = "CRYPT bcrypt" },
	{ "{BLF-CRYPT}$2y$05$i.vQcfiAZeVcqWWd1x3CleEKpgdjBY2DHXVPzTw8/Tn1cvjhbtb8.", .scheme = "CRYPT bcrypt" },
	{ "{SHA256-CRYPT}$5$ifGmxYzwwSpXPYQi$utw7FPVhzqTU/ZWVRfXYsOK/3mYmp9kkAEI3wHkOFIA", .scheme = "CRYPT sha256" },
	{ "{SHA512-CRYPT}$6$g0XpbfFGnNznldlV$zl.sgYlFoR5kXJk8PH..lfnW44kZnZiD1S6YVXIzTuIGwuAQSKIZCcUP8YWy5oHIuXq1wRXLU4tkQG"
	  "616SJXM.",
	  .scheme = "CRYPT sha512" },
	{ "{SHA512-CRYPT.B64}JDYkZUJ4ZTFtUndMVWxrbS9OaCQ1aWZWM0hHdWJ1aThxU3BvSEliU2I3bUw1cFdlcGljS1FpTTNuL09lUzN5WlloeXpzM3"
	  "htU00wY1FnRXU0VlQwdHNpRTI0aE9KWUFuQmowekNNNmV2Lg==",
	  .scheme = "CRYPT sha512" },
	{ "{PBKDF2}$1$aavlAByQizGDct.z$5000$adab4612235fee36d0744b2165baf89ab9920d26", .scheme = "PBKDF2-SHA1" },
	{ "{SCRAM-SHA-1}4096,OBAOOdNmNSQSOxHZFuwYbg==,fyEpUlHoNgkrBfmd2Ac4MW9PKus=,qIl6TX+IY8Z4zMaDMGnKJO6qnm8=",
	  .scheme = "SCRAM-SHA-1" },
	{ "{SCRAM-SHA-256}4096,q4FurVKH/2BpVM5UE635Xw==,tgtYRm7OiatW3pqkxKDic6MIEwHpZAMRhWATRNVYZbU=,E8vfRy4vnnvOmzRJ+QVZWH"
	  "M7+C9gMPMzdSN3c1VS8Do=",
	  .scheme = "SCRAM-SHA-256" },
	{ "{SCRAM-SHA-256.b64}NDA5Niwrcm4ydUFrVjhGdWxVMUM3REdST0J3PT0sUjdWR0FhZnZwaS9JcGI2UWZ2ampNZlFJaGNRRFpsdStjTVExbndnW"
	  "VdkWT0sV1Q5WE9VeFZtN1E5ZVlOdkZWL1JudEZpbytKOFFZZ2pjcXBFSGdQNnhMMD0=",
	  .scheme = "SCRAM-SHA-256" },

	/* 389-DS: the comments of src/plugins/pwdchan */
	{ "{PBKDF2}10000$IlfapjA351LuDSwYC0IQ8Q$saHqQTuYnjJN/tmAndT.8mJt.6w", .scheme = "PBKDF2-SHA1", "password" },
	{ "{PBKDF2-SHA256}10000$henZGfPWw79Cs8ORDeVNrQ$1dTJy73v6n3bnTmTZFghxHXHLsAzKaAy8SksDfZBPIw",
	  .scheme = "PBKDF2-SHA256", "password" },
	{ "{PBKDF2-SHA512}10000$Je1Uw19Bfv5lArzZ6V3EPw$g4T/1sqBUYWl9o93MVnyQ/8zKGSkPbKaXXsT8WmysXQJhWy8MRP2JFudSL.N9RklQYgD"
	  "PxPjnfum/F2f/TrppA",
	  .scheme = "PBKDF2-SHA512", "password" },
	{ "{ARGON2}$argon2id$v=19$m=65536,t=2,p=1$IyTQMsvzB2JHDiWx8fq7Ew$VhYOA7AL0kbRXI5g2kOyyp8St1epkNj7WZyUY4pAIQQ",
	  .scheme = "ARGON2id", "password" },
	/* 389-DS's older form, published by a checker of such values (thesubtlety/389-ds-password-check) */
	{ "{PBKDF2_SHA256}AAAnEGTxXtnR/oox922/jZyjH6fmiIdW4AwIYZE2LfCVL/SUz5GbAHfjRj4NbN2u8ul0/j/dUzJ4gQSawGALGHZV74nOAtPtt"
	  "oZDTsh7BeGCLD/Ps7vRugwDdz9uPARXzF3bD/8qCpumvRGb4pehzfQsk+FnGgTwi0rUeVaN8a7Kbv8ZpRfU2sd+208F/YL42BWAh/2tv0I4vY7Zs"
	  "rCZcrUJtgKWy5Nr+t78zmPkrZsX/kgfnGdXhr50kN10cmkLQ0/cZOXo9CAkpeZyFu+wQ5vQdUaES2Vd5kBjJYPCkr4b2ocr4ETQi3IGO2GGCoCet"
	  "mMIETsudRVSxUNBbva+Vgxin5Apu4wIP/0ZyuGK6TuWLqLnNpmK3RkRx0xjqJ4nN2Ok0ul0XYBJcYIBt4UoaVM2uSa/Etw28Uy+zAsUv2AOiRo5",
	  .scheme = "PBKDF2-SHA256", "Password123" },

	/* Python's hashlib: 389-DS's forms (two alphabets of base64), Atlassian's, long and odd salts, SCRAM as RFC 5803 writes it */
	{ "{PBKDF2-SHA256}1000$AAECAwQFBgcICQoLDA0ODxAREhMUFRYX$91hCRCJCxLowoqlfFEXt4Dbkfrk2i/l9Vbahik3+urM=",
	  .scheme = "PBKDF2-SHA256" },
	{ "{PKCS5S2}AAECAwQFBgcICQoLDA0OD/wLRC7YJrDwyPC1hivcdA1lVJ0iA8EV8Zotwnsqu+eY", .scheme = "PBKDF2-SHA1" },
	{ "{SSHA}R0NI5vMz6KWCcCfPNiH+jUro+AB4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eH"
	  "h4eHh4",
	  .scheme = "SSHA", .cheap = true },
	{ "{SSHA}mdkUYHT8kIMOGp2xrknc88H4AxVhYv/+", .scheme = "SSHA", .cheap = true },
	{ "{SCRAM-SHA-512}4096,MDEyMzQ1Njc4OWFiY2RlZg==,nRsMU6tbbBvv06ltWFRFSddKpGQEVhaK+IEWSsn+jb7G1XaYtDiE2vgIKc8a8GcjjiS"
	  "EDE8LvWKrHwUsns4lYg==,Dl3PjxsTjBZnfxZ8vHs5U7V4sF7YhoQhlhY2k//MdhVn5KZ7cTH5duiqRrpFqCYUAQZXPpKi2oASc4PdaLQT4Q==",
	  .scheme = "SCRAM-SHA-512" },
	{ "{SCRAM-SHA-256}4096:MDEyMzQ1Njc4OWFiY2RlZg==$tSgetjYW5SQlNzIxJAKMryuDGH8Snw5oWcj1eOW0ZyI=:bbZ1dJMgYYaKKR1fU1oGHk"
	  "WJzi9OQY4yU8Fuksa1t70=",
	  .scheme = "SCRAM-SHA-256" },
	{ "{SCRAM-SHA-256}SCRAM-SHA-256$4096:MDEyMzQ1Njc4OWFiY2RlZg==$tSgetjYW5SQlNzIxJAKMryuDGH8Snw5oWcj1eOW0ZyI=:bbZ1dJMg"
	  "YYaKKR1fU1oGHkWJzi9OQY4yU8Fuksa1t70=",
	  .scheme = "SCRAM-SHA-256" },

	/* passlib 1.7.4 */
	{ "{SCRYPT}$scrypt$ln=10,r=8,p=1$wVir1RpDCCFEiLG2dm4NQQ$g0/klmUX+hJv+vYrZlutAOvrCXP5IF3HhUFam3LISkk", .scheme = "SCRYPT" },
	{ "{PBKDF2-SHA512}1000$V.r9v3eOsVYKASDEGCOEEA$rBNOBb10TVdCB9JKI/MkLZgdsj3z2s.DpSELihYAXTu74Icsbb.2DPCEvbnkjCY53lxVt"
	  "OU25znYaJAZfBBirw",
	  .scheme = "PBKDF2-SHA512" },
	{ "{NT}cfc43211ba8dc470832267827cac1407", .scheme = "NT", .weak = true, .cheap = true },
	{ "{NT}CFC43211BA8DC470832267827CAC1407", .scheme = "NT", .weak = true, .cheap = true },
	{ "{NTLM}0509a0820df62ee0c2d6a4326fd574c6",
	  .scheme = "NT", "gr\xc3\xbc\xc3\x9f\x65 \xe2\x82\xac\xf0\x9d\x84\x9e", .weak = true, .cheap = true },

	/* RFC 5802 and 7677: the examples' salt, with the keys that follow from them */
	{ "{SCRAM-SHA-1}4096,QSXCR+Q6sek8bf92,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,D+CSWLOshSulAsxiupA+qs2/fTE=",
	  .scheme = "SCRAM-SHA-1", "pencil" },
	{ "{SCRAM-SHA-256}4096,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,wfPLwcE6nTWhTAmQ7tl2Ke"
	  "oiWGPlZqQxSrmfPwDl2dU=",
	  .scheme = "SCRAM-SHA-256", "pencil" },
	/* RFC 7914's third, in the form of $7$ (escrypt's own test); what libsodium and Pure-FTPd write */
	{ "{SCRYPT}$7$C6..../....SodiumChloride$kBGj9fHznVYFQMEn/qDCfrDevf9YDtcDdKvEqHJLV8D",
	  .scheme = "CRYPT scrypt", "pleaseletmein" },
	/* the specification of SHA-crypt */
	{ "{CRYPT}$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5", .scheme = "CRYPT sha256", "Hello world!" },
	{ "{CRYPT}$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
	  .scheme = "CRYPT sha512", "Hello world!" },
	/* crypt_blowfish's own test */
	{ "{CRYPT}$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", .scheme = "CRYPT bcrypt", "U*U" },

	/* libxcrypt 4.4.33 itself, through Python, where nothing else on the machine writes the method */
	{ "{CRYPT}$sha1$1000$abcdefgh$LpGT5uib.TPY6JU14eMS/Z58xRQB", .scheme = "CRYPT sha1" },
	{ "{CRYPT}$md5$abcdefgh$.zlef4wB7Ywt0S2xBOo6h.", .scheme = "CRYPT sunmd5", .weak = true },
	{ "{CRYPT}$2x$04$CCCCCCCCCCCCCCCCCCCCC..o66Ba.o65rt06KXeSpKWfObOB7QJIe", .scheme = "CRYPT bcrypt" },
	{ "{BCRYPT}$2b$04$CCCCCCCCCCCCCCCCCCCCC..o66Ba.o65rt06KXeSpKWfObOB7QJIe", .scheme = "CRYPT bcrypt" },
	{ "{GOST_YESCRYPT}$gy$j75$abcdefgh$E.8/7w02Y2Ed.Uc2CpVIdgpGTbWIWVYm/SoufLuoKA2", .scheme = "CRYPT gost-yescrypt" },

	/* tests/data/sample.ldif: what ISPMan's tools write */
	{ "{SSHA}o50qZiibSPjeKDNRuFaqCDcpDuRzYWx0", .scheme = "SSHA", "adminpw", .cheap = true },
	{ "{crypt}cyFPcPelGJw/A", .scheme = "CRYPT des", "cyruspw", .weak = true, .cheap = true },
	{ "{crypt}noAqnOqZVDLqI", .scheme = "CRYPT des", "northpw", .weak = true, .cheap = true },
	{ "{crypt}lilyWuPSulTdU", .scheme = "CRYPT des", "lindpw", .weak = true, .cheap = true },
	{ "{crypt}te7S0ySRMf5DI", .scheme = "CRYPT des", "ternpw", .weak = true, .cheap = true },
	{ "{crypt}gubdYUTQv34.o", .scheme = "CRYPT des", "gullpw", .weak = true, .cheap = true },
	{ "{crypt}crxqxbSpxFfO.", .scheme = "CRYPT des", "crowpw", .weak = true, .cheap = true },
	{ "{crypt}adVNr0Epl9Guo", .scheme = "CRYPT des", "adapw", .weak = true, .cheap = true },
	{ "{crypt}wwPRPNDJYzx2w", .scheme = "CRYPT des", "wwwpw", .weak = true, .cheap = true },
	{ "{crypt}apX/IvLmYbq2k", .scheme = "CRYPT des", "apppw", .weak = true, .cheap = true },
	{ "{crypt}guXCPamId1pJg", .scheme = "CRYPT des", "guestpw", .weak = true, .cheap = true },
	{ "{md5}aFmV3P5yZKVv+NXXMwb/Wg==", .scheme = "MD5", "wrenpw", .weak = true, .cheap = true },
	{ "{sha}KXV5lfOmXj1HOy0eE1tRGdIyUHw=", .scheme = "SHA", "bobpw", .weak = true, .cheap = true },
};
