#ifndef INPUTS_CONFIG_H
#define INPUTS_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * Settings from ko.yaml or .ko.yaml and from KO_* variables; ko.yaml(5) is the manual. The format
 * is that of ko's .ko.yaml and some keys more. Each setting knows where it came from.
 *
 * One file is used: the one that KO_CONFIG_PATH names (a file, or a directory that holds one), else
 * .ko.yaml or ko.yaml in the working directory, else the nearest ko.yaml above it, up to the top of
 * a git repository. builds entries are relative to the file's directory; to the working directory
 * where KO_CONFIG_PATH names the file, as with ko.
 *
 * Precedence: options, baseImageOverrides, builds entry, variable, file, built in. KO_DOCKER_REPO
 * stands above every repository in the file, so that one variable can redirect everything.
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
	CONFIG_CONTAINERENV, /* NAME=VALUE, of the container */
	CONFIG_GOFLAGS,      /* KO_GOFLAGS as it stands: one value, still to be split by goflags */
	CONFIG_KEYS
};

/* "baseImage", "platforms", "flags" ...: what ko config and errors call a setting. */
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

struct config_build {
	struct settings settings; /* own ones only */
	char *importpath;
};

/* All zero is a valid, empty one: no settings. */
struct config {
	char *file; /* the file in use, or NULL */
	struct settings defaults;
	struct config_build *builds;
	size_t n, cap;
	/* baseImageOverrides: one element each, paths in lower case */
	struct strs override_paths, override_images, override_from;

	/* What the settings depend on besides variables, for a build graph. */
	struct strs files;  /* read: the config file, go.mod files of builds entries */
	struct strs absent; /* looked for and not there */
};

/*
 * Finds and reads the file and the variables. Malformed or unknown things are ERR_INPUT
 * FILE:LINE: ...; a wrong variable is ERR_USAGE. No file at all is fine.
 */
int config_load(struct config *config, struct err *err);

/* Takes the settings from the text of a file called name, and nothing else, into an empty config.
 * builds entries are relative to dir. */
int config_parse(struct config *config, const char *name, const char *dir, const char *text,
	size_t n, struct err *err);

/*
 * The effective settings of a program: its builds entry over the defaults; baseImageOverrides over
 * both. Lists replace, maps (labels, annotations, container environment) merge by key.
 * importpath NULL gives the defaults.
 */
void config_for(const struct config *config, const char *importpath, struct settings *settings);

/* The first value, or NULL when there is none. Borrowed. */
const char *settings_get(const struct settings *settings, enum config_key key);

/* Replaces a setting, for an option on the command line ("--platform"). */
void settings_set(struct settings *settings, enum config_key key, const struct strs *values,
	const char *from);

/* Adds KEY=VALUE to a map, in place of what has this key. */
void settings_put(
	struct settings *settings, enum config_key key, const char *assignment, const char *from);

/* Adds the names of the variables that settings are read from. */
void config_variables(struct strs *names);

void settings_release(struct settings *settings);
void config_release(struct config *config);

#endif
