

schema: ## write the schemas of HL7 anew (DIR=… names a folder of schema data in JSON)
	@test -d "$(DIR)" || { echo "make schema DIR=folder: the folder of the schema data, with 2.5.1.json and others"; exit 1; }
	python3 tools/schema/convert.py "$(DIR)" crates/hl7/data
	ORRIS_SCHEMAS="$(abspath $(DIR))" $(CARGO) test --quiet -p orris-hl7 --test schemas
