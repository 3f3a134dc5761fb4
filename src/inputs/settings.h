#ifndef INPUTS_SETTINGS_H
#define INPUTS_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * What can be set for a program, and where each setting came from.
 */

enum config_key {
	CONFIG_BASEIMAGE,
	CONFIG_PLATFORMS,
	CONFIG_FLAGS,
	CONFIG_LDFLAGS,
	CONFIG_ENV, /* NAME=VALUE, of go build */
	CONFIG_CAPABILITIES,
	CONFIG_REPOSITORY,
	CONFIG_NAMING,
	CONFIG_TAGS,
	CONFIG_LABELS,      /* KEY=VALUE */
	CONFIG_ANNOTATIONS, /* KEY=VALUE */
	CONFIG_USER,
	CONFIG_COMPRESSION,   /* see formats/compression.h */
	CONFIG_CONTAINERENV,  /* NAME=VALUE, of the container */
	CONFIG_INHERITLABELS, /* "true": labels and annotations that describe the base stay */
	CONFIG_GOFLAGS,       /* KO_GOFLAGS as it stands: one value, still to be split by goflags */
	CONFIG_KEYS
};

/* How a setting is written. */
struct config_key_form {
	const char *name;       /* what errors and "ko config" call it */
	const char *in_build;   /* its key in a builds entry; NULL: none */
	const char *on_top;     /* its key at the top level of a file; NULL: none */
	const char *variable;   /* NULL: none */
	const char *separators; /* at which one text becomes a list; NULL: it stays whole */
	bool list, map;         /* whether it may be written as such */
};

extern const struct config_key_form config_keys[CONFIG_KEYS];

/* "baseImage", "platforms", "flags" ... */
const char *config_key_name(enum config_key key);

/* A setting's values, before templates are expanded; single ones have one or none. */
struct setting {
	struct strs values;
	char *from; /* "ko.yaml:7", "KO_DEFAULTFLAGS", "built in"; NULL: not set */
};

/* The settings of one program. */
struct settings {
	struct setting of[CONFIG_KEYS];
	char *id;  /* of its builds entry, or NULL */
	char *dir; /* where its builds entry has go run, or NULL when it has none */
};

/* The first value, or NULL when there is none. Borrowed. */
const char *settings_get(const struct settings *settings, enum config_key key);

/* Replaces a setting, for an option on the command line ("--platform"). */
void settings_set(struct settings *settings, enum config_key key, const struct strs *values,
	const char *from);

/* Adds KEY=VALUE to a map, in place of what has this key. */
void settings_put(
	struct settings *settings, enum config_key key, const char *assignment, const char *from);

/* The value as it may be shown: what looks like a password or token in it is "***". malloced. */
char *settings_masked(enum config_key key, const char *value);

void settings_release(struct settings *settings);

/* Adds a text as it stands in a variable or in place of a list: split where the setting's form says
 * so, but not inside templates. */
void setting_add_text(struct setting *setting, enum config_key key, const char *text);

/* Checks one value of a setting as far as it can be without its template expanded. ERR_USAGE. */
int setting_check_value(enum config_key key, const char *value, struct err *err);

/* Checks all, also how they go together; errors get the class, and setting->from in front. */
int setting_check(
	const struct setting *setting, enum config_key key, enum err_class class, struct err *err);

void setting_clear(struct setting *setting);

#endif
