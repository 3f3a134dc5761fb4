# Container images and resolved manifests for Go programs, for GNU make 4.3 and newer:
#
#     KO_MANIFESTS := config
#     include /usr/local/share/ko/ko.mk
#
# gives the goals that make ko-help lists. Nothing outside KO_* and ko.* is set or changed.

ifndef ko.included
ko.included := 1
ko.file := $(lastword $(MAKEFILE_LIST))
ko.default_goal := $(.DEFAULT_GOAL)

## KO_MANIFESTS: files and directories of manifests
KO_MANIFESTS ?=
## KO_IMPORTPATHS: programs that no manifest names
KO_IMPORTPATHS ?=
## KO_SELECTOR: only objects whose labels match
## KO_FLAGS: options of ko-scan(1), such as -R --platform all --debug
KO_FLAGS ?=
## KO_APPLY_FLAGS: options of ko-apply(1), such as --preflight --wait
KO_APPLY_FLAGS ?=
## KO_KUBECTL_FLAGS: options of kubectl
KO_KUBECTL_FLAGS ?=
## KO_GENERATED: sources that have rules in this Makefile, names or patterns with %
KO_GENERATED ?=
## KO_BUILDDIR: where everything goes that is made (.ko)
KO_BUILDDIR ?= .ko
## KO_RESOLVED: where the resolved manifests go (KO_BUILDDIR/resolved.yaml)
KO_RESOLVED ?= $(KO_BUILDDIR)/resolved.yaml
## KO_BIN: directory of the tools, with a slash at its end (they are on PATH)
KO_BIN ?=
## KO_WRAP: a program and its options, before every command, in the way of ccache
KO_WRAP ?=
## KO_DOCKER_REPO: where images are pushed to

ko.dir := $(KO_BUILDDIR)/make
ko.inputs :=
ko.settings := $(ko.dir)/settings
ko.store := $(KO_BUILDDIR)/oci/oci-layout
ko.programs := $(KO_BUILDDIR)/go/marker

# make V=1 shows the commands.
ko.at := $(if $(V),,@)
ko.say := @printf '  KO  %s\n'

# The variables, set in the environment or here, that decide over the result. Values that the
# tools read from the environment are handed to them.
ko.variables := KO_DOCKER_REPO COSIGN_REPOSITORY KO_BUILDER KO_GOFLAGS KO_DATA_PATH KO_DATA_DATE_EPOCH \
  KO_DATA_PATH_ALLOWED_ROOT KO_BASEIMAGE KO_DEFAULTBASEIMAGE KO_BASEIMAGEOVERRIDES \
  KO_DEFAULTPLATFORMS KO_DEFAULTENV KO_DEFAULTFLAGS KO_DEFAULTLDFLAGS KO_CONFIG_PATH KO_NAMING KO_TAGS \
  KO_LABELS KO_ANNOTATIONS KO_USER KO_CONTAINERENV KO_INHERITLABELS KO_COMPRESSION KO_SELECTOR \
  KO_DELVE_VERSION KO_GO_PATH SOURCE_DATE_EPOCH
ko.go_variables := CC CXX FC AR GCCGO GO111MODULE GO386 GOAMD64 GOARCH GOARM GOARM64 GODEBUG GOENV \
  GOEXPERIMENT GO_EXTLINK_ENABLED GOFIPS140 GOFLAGS GOMIPS GOMIPS64 GOMODCACHE GOOS GOPATH GOPPC64 GORISCV64 GOROOT \
  GOTOOLCHAIN GOWASM GOWORK CGO_ENABLED CGO_CFLAGS CGO_CPPFLAGS CGO_CXXFLAGS CGO_LDFLAGS \
  PKG_CONFIG PKG_CONFIG_PATH $(sort $(filter CC_FOR_% CXX_FOR_%,$(.VARIABLES)))
# Which container engine is meant, where one is used.
ko.engine_variables := DOCKER_HOST DOCKER_CONTEXT CONTAINER_HOST CONTAINERS_STORAGE_CONF \
  KIND_CLUSTER_NAME KIND_EXPERIMENTAL_PROVIDER

ko.quote = '$(subst ','\'',$1)'
ko.exports := $(foreach v,$(ko.variables),$(if $(filter-out undefined default,$(origin $v)),$v=$(call ko.quote,$($v))))
ko.scan_args = $(foreach f,$(KO_MANIFESTS),-f $f) $(KO_FLAGS) $(KO_IMPORTPATHS)

# Parents of the working directory: a go.work or go.mod that appears there changes everything.
ko.parents = $1$(if $(filter-out /,$1),/) $(if $(filter-out / ,$1),$(call ko.parents,$(patsubst %/,%,$(dir $1))))
ko.above := $(wildcard $(foreach d,$(call ko.parents,$(CURDIR)),$dgo.work $dgo.mod $dko.yaml $d.ko.yaml $d.ko.yml $d.ko.json $d.ko.toml))
# The file of go env -w.
ko.goenv := $(wildcard $(or $(XDG_CONFIG_HOME),$(HOME)/.config)/go/env)
ko.go := $(firstword $(wildcard $(addsuffix /go,$(subst :, ,$(PATH)))))

define ko.facts
$(KO_BIN) $(KO_WRAP) $(ko.scan_args)
$(ko.exports)
$(foreach v,$(ko.go_variables) $(ko.engine_variables),$v=$(if $(filter-out undefined default,$(origin $v)),$($v)))
$(ko.above) $(ko.go) $(ko.goenv)
endef

# The settings file is written anew, here, only when a setting is another one than last time.
ifneq ($(strip $(file <$(ko.settings))),$(strip $(ko.facts)))
ko.made := $(shell mkdir -p $(ko.dir))
$(file >$(ko.settings),$(ko.facts))
endif

# KO_BASE_UPDATE=1 asks for a look at the registries.
ifneq ($(filter-out 0,$(KO_BASE_UPDATE)),)
ko.forgotten := $(shell rm -f $(ko.dir)/base.*.json)
endif

.PHONY: ko-build ko-push ko-resolve ko-apply ko-create ko-delete ko-list ko-why ko-clean ko-help ko.force

ko.need = $(foreach f,$1,$(if $(wildcard $f),,ko.force))

## ko-build: compile the programs and make their images
## ko-push: push the images
## ko-resolve: write the manifests with references to images in KO_RESOLVED
## ko-apply: kubectl apply them
## ko-create: kubectl create them
## ko-delete: kubectl delete them
## ko-list: print the references of the images
## ko-why: say why programs would be or were compiled
## ko-clean: remove what was made
## ko-help: show this text

ko.goals := $(or $(MAKECMDGOALS),all)
ifneq ($(filter ko-apply ko-create,$(ko.goals)),)
ifeq ($(KO_DOCKER_REPO),)
$(error KO_DOCKER_REPO environment variable is unset; set it to the registry that the cluster pulls from)
endif
endif
ifneq ($(filter-out ko-clean ko-help ko-delete,$(ko.goals)),)
-include $(ko.dir)/graph.mk
-include $(ko.dir)/graph.d
endif

# Files that only are inputs get an empty recipe: make then needs no search through its implicit
# rules, and a file that was removed is no error.
ko.known := $(filter-out $(KO_GENERATED) $(ko.bases),$(sort $(ko.inputs)))
ifneq ($(ko.known),)
$(ko.known): ;
endif

$(ko.dir)/graph.mk: $(ko.dir)/graph.stamp ;

$(ko.dir)/graph.stamp: $(ko.settings) $(call ko.need,$(ko.dir)/graph.mk) $(if $(wildcard $(ko.dir)/volatile),ko.force)
	$(ko.at)touch $@.new && $(ko.exports) $(KO_BIN)ko-scan --make $(ko.dir)/graph.mk --depfile $(ko.dir)/graph.d --depfile-target $@ --builddir $(KO_BUILDDIR) $(ko.scan_args) && mv $@.new $@

$(ko.store):
	@mkdir -p $(@D)/blobs/sha256 && printf '%s' '{"imageLayoutVersion":"1.0.0"}' >$@

$(ko.programs):
	@mkdir -p $(@D) && touch $@

$(ko.settings): ;

ko-build: $(ko.dir)/graph.stamp $(ko.images)

ko-push: $(ko.dir)/graph.stamp $(ko.dir)/refs.json

ko-resolve: $(ko.dir)/graph.stamp $(KO_RESOLVED)

ko-apply ko-create: ko-%: $(ko.dir)/graph.stamp $(KO_RESOLVED) ko.confirm
	$(ko.at)$(KO_BIN)ko-apply --verb $* -f $(KO_RESOLVED) $(KO_APPLY_FLAGS) -- $(KO_KUBECTL_FLAGS)

ko-delete:
	$(ko.at)kubectl delete $(foreach f,$(KO_MANIFESTS),-f $f) $(KO_KUBECTL_FLAGS)

ko-list: ko-push
	@sed 's/.*"ref":"\([^"]*\)".*/\1/' $(ko.dir)/refs.json

ko-why: $(ko.dir)/graph.stamp
	@$(ko.env) $(KO_BIN)ko-why --builddir $(KO_BUILDDIR) $(ko.dir)/scan.json

ko-clean:
	$(ko.at)rm -rf $(KO_BUILDDIR)

ko-help:
	@printf 'goals:\n'; sed -n 's/^## \(ko-[^:]*\): /  \1\t/p' $(ko.file) | expand -t 20
	@printf 'variables, beside those of ko.yaml(5):\n'; sed -n 's/^## \(KO_[^:]*\): /  \1\t/p' $(ko.file) | expand -t 20

.DEFAULT_GOAL := $(ko.default_goal)
endif
